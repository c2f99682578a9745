"""Find objects, as `darknet-py detect` does.

python detect.py --cfg cfg/yolov3-tiny.cfg --weights yolov3-tiny.weights IMAGE --out DIR
"""

import sys

from darknet_py.__main__ import main

if __name__ == "__main__":
    sys.exit(main(["detect", *sys.argv[1:]]))
