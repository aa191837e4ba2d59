import subprocess
import sys

import videogan.data


def test_the_room_names_its_entrances():
    assert all(callable(getattr(videogan.data, name)) for name in videogan.data.__all__)


def test_looking_at_a_folder_loads_no_torch():
    code = "import sys; from videogan.data import survey_folder; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
