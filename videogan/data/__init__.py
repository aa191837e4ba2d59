"""Videos on disk to training batches: which frames, which files, the clip cache, the loader.

Batches come from :mod:`videogan.data.loader`, which needs torch; to look at a folder takes none.
"""

from videogan.data.cache.clip_cache import ClipCache, open_cache
from videogan.data.folder import VideoFolder, scan_folder, survey_folder

__all__ = ["ClipCache", "VideoFolder", "open_cache", "scan_folder", "survey_folder"]
