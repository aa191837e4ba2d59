from videogan.presets import change, preset
from videogan.training.resume import difference


def test_difference_names_what_changed_and_allows_what_may():
    config = preset("cpu")
    assert difference(config, change(config, {"train.steps": 7, "train.keep": 5})) == ""
    assert difference(config, change(config, {"train.seed": 7})) == "train.seed=0, not 7"
    assert difference(config, change(config, {"penalty.kind": "exact"})).startswith("penalty.")
