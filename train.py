"""Train a network, as `darknet-py train` does.

python train.py --cfg cfg/yolov3-tiny.cfg --data DATA --out runs/one
"""

import sys

from darknet_py.__main__ import main

if __name__ == "__main__":
    sys.exit(main(["train", *sys.argv[1:]]))
