# make compare: the main job, three pooling variants trained and compared.    make test: the tests.
# make quick: ruff, mypy and the quick tests of texts, graphs and layers, within a minute (tests/README.md).
# make article CIFAR10=FOLDER: the article's table, four kinds of pooling on CIFAR-10; hours (docs/article.md).
# make kernel19 [KERNEL19=quick] [WEIGHTS=FOLDER] [DATA=FOLDER]: pools of 19 in SPP; hours to days (docs/kernel-19.md).
# python docs/screenshot.py runs/demo/report.html takes the pictures of README.md anew, after make compare.
# All make .venv and install everything into it by pip when it is missing; nothing needs to be done before.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
OUT    ?= runs/demo
QUICK  := $(addprefix tests/,test_house.py test_words.py cfg graph lint edit layers)
DEMO   := $(addprefix cfg/demo/,strokes.cfg strokes-minpool.cfg strokes-lsepool.cfg)
CIFAR10 ?= cifar10
ARTICLE := $(foreach kind,max average stochastic max-dropout,cfg/cifar/zeiler-$(kind).cfg)

KERNEL19 ?= full
WEIGHTS ?= ../shared/weights
DATA    ?= ../shared/data

.PHONY: compare article kernel19 test quick fuzz soak clean

compare: $(VENV)/ready
	$(BIN)/darknet-py compare $(DEMO) --data night --recipe darknet --seeds 3 --evaluations 4 --out $(OUT)

article: $(VENV)/ready
	$(BIN)/darknet-py compare $(ARTICLE) --data $(CIFAR10) --seeds 2 --precision bfloat16 --out runs/article

kernel19: $(VENV)/ready
	$(BIN)/python -m bench.kernel19 --weights $(WEIGHTS) --data $(DATA) --out runs/kernel19-$(KERNEL19) \
	    $(if $(filter quick,$(KERNEL19)),--quick)

test: $(VENV)/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist worksteal

quick: $(VENV)/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist worksteal -m 'not soak and not slow' $(QUICK)

fuzz: $(VENV)/ready
	$(BIN)/python bench/fuzz.py --count 200000 --seed 1

soak: $(VENV)/ready
	$(BIN)/python -m pytest -m soak

$(VENV)/ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	touch $@

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache
