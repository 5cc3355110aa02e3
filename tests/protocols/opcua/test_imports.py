"""A gateway without OPC UA does not pay for its library."""

import subprocess
import sys


def test_the_library_loads_with_the_driver_only():
    code = (
        "import sys, protocols.driver, protocols.opcua, protocols.opcua.readings;"
        "assert 'asyncua' not in sys.modules;"
        "import protocols.opcua.driver; assert 'asyncua' in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
