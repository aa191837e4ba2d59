"""How good generated clips are: features, distances, diversity and motion, and the report of all of them."""

from videogan.metrics.evaluation import evaluate
from videogan.metrics.features import load_features
from videogan.metrics.paired import load_lpips
from videogan.metrics.report import Report, compare, read_report

__all__ = ["Report", "compare", "evaluate", "load_features", "load_lpips", "read_report"]
