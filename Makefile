# Everything runs in .venv, which the first target makes. PYTHON names the interpreter that it is made from.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MINUTES ?= 6.5

.PHONY: demo shipped-model starter starter-digits starter64 test test-slow check lint types fast gpu-table gpu-objective gpu-check clean

demo: $(VENV)/.installed  ## a video by the model that comes along, then one learnt here: out.mp4, and out.png to look at
	$(BIN)/videogan sample --run videogan/pretrained/default.safetensors --frames 64 --grid 2x13 --scale 2 --yes shipped.mp4
	test -d clips || $(BIN)/videogan prepare moving-shapes clips
	$(BIN)/videogan train clips --run runs/demo --minutes $(MINUTES)
	$(BIN)/videogan sample --run runs/demo --frames 64 --grid 4x4 --scale 4 --yes out.mp4
	$(BIN)/videogan sample --run runs/demo --frames 64 --scale 2 --yes out.png

shipped-model: $(VENV)/.installed  ## the model that comes along, trained anew (two hours and a quarter on a core); the command goes on where it stopped
	test -d shapes-and-digits || ($(BIN)/videogan prepare moving-shapes shapes && $(BIN)/videogan prepare moving-digits shapes-and-digits && mv shapes/* shapes-and-digits/)
	$(BIN)/videogan train shapes-and-digits --run runs/shipped-short --from starter64 --set generator.place_until=0 --steps 6500
	$(BIN)/videogan train shapes-and-digits --run runs/shipped --from runs/shipped-short --set data.num_frames=16 --set penalty.r1_weight=0.1 --set penalty.r2_weight=0.1 \
	  --set penalty.decay_steps=0 --set optimizer.learning_rate=0.00028 --set optimizer.decay_steps=1000 --steps 2674
	$(BIN)/videogan export --run runs/shipped --precision float16 --yes videogan/pretrained/default.safetensors

starter-digits: $(VENV)/.installed
	test -d digits || $(BIN)/videogan prepare moving-digits digits
	$(BIN)/videogan train digits --run runs/starter-digits --preset cpu --steps 3000
	test -d digits-and-figures || ($(BIN)/videogan prepare moving-digits digits-and-figures --count 500 && $(BIN)/videogan prepare moving-figures figures && mv figures/* digits-and-figures/)

starter: starter-digits  ## the model that new runs start from on a CPU, trained anew (an hour and a quarter); the command goes on where it stopped
	$(BIN)/videogan train digits-and-figures --run runs/starter-falling --from runs/starter-digits --set penalty.decay_steps=500 --steps 14000
	$(BIN)/videogan train digits-and-figures --run runs/starter --from runs/starter-falling --set penalty.decay_steps=0 \
	  --set projected_discriminator.weight=0.25 --set projected_discriminator.size=64 --set projected_discriminator.minibatch_std=4 --steps 1
	$(BIN)/videogan export --run runs/starter --for-training --precision float16 --yes videogan/pretrained/starter.safetensors

starter64: starter-digits  ## the same for frames of 64 pixels, from the same digits (two and a half minutes on a GPU, then an hour on a core)
	$(BIN)/videogan train digits-and-figures --run runs/starter64-small --from runs/starter-digits --set penalty.r1_weight=0.1 --set penalty.r2_weight=0.1 --steps 8344
	$(BIN)/videogan train digits-and-figures --run runs/starter64-grown --from runs/starter64-small --set data.size=64 --steps 4428
	$(BIN)/videogan train digits-and-figures --run runs/starter64-wide --from runs/starter64-grown --set penalty.r1_weight=1 --set penalty.r2_weight=1 --set penalty.decay_steps=500 \
	  --set generator.channels=[96,64,32,16,16] --set frame_discriminator.channels=[16,16,32,64,96] --steps 8000
	$(BIN)/videogan train digits-and-figures --run runs/starter64 --from runs/starter64-wide --set generator.place_until=32 --set projected_discriminator.weight=0.25 --set projected_discriminator.minibatch_std=4 --steps 1
	$(BIN)/videogan export --run runs/starter64 --for-training --precision float16 --yes videogan/pretrained/starter64.safetensors

test: lint types $(VENV)/.tested  ## everything that CI runs
	$(BIN)/python -m pytest -m "not slow" -n auto --dist loadfile --durations=15

test-slow: $(VENV)/.tested  ## the tests that take minutes
	$(BIN)/pip install --quiet --editable ".[examples]"
	$(BIN)/python -m pytest -m slow

check: lint types fast  ## ruff, mypy and the fast tests

lint: $(VENV)/.tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.tested
	$(BIN)/mypy

fast: $(VENV)/.tested
	$(BIN)/python -m pytest -m "not slow" -n auto --dist loadfile --durations=10 --ignore tests/end_to_end --ignore tests/faults

gpu-table: $(VENV)/.tested  ## every figure of benchmarks/quality.py; ACTIONS and PEER name folders of clips
	$(BIN)/python benchmarks/quality.py --all $(if $(ACTIONS),--actions $(ACTIONS)) $(if $(PEER),--peer $(PEER))

GPU_BUDGET := --preset gpu64 --minutes 4.25 --set data.frame_stride=2
gpu-objective: $(VENV)/.tested  ## classes, reconstruction, cycle and ablation on a GPU; ACTIONS names a folder of clips
	$(BIN)/python benchmarks/classes.py $(ACTIONS) $(GPU_BUDGET)
	$(BIN)/python benchmarks/encoder.py $(ACTIONS) $(GPU_BUDGET)
	$(BIN)/python benchmarks/ablation.py $(ACTIONS) $(GPU_BUDGET)

gpu-check: $(VENV)/.tested  ## everything that only a GPU can tell, in eight minutes; CLIPS names a folder of clips
	PYTHONPATH=. $(BIN)/python benchmarks/gpu_check.py $(CLIPS)

docs/settings.md: videogan/config/*.py videogan/presets.py | $(VENV)/.installed  ## the page of all settings
	{ sed '/^|/,$$d' $@; $(BIN)/videogan settings --markdown; } > $@.part
	mv $@.part $@

clean:  ## remove what make made; runs/ and clips/ stay
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: setup.cfg pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --editable .
	touch $@

$(VENV)/.tested: setup.cfg pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --editable ".[test]"
	touch $@ $(VENV)/.installed
