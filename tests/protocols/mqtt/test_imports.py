"""A gateway with MQTT only does not pay for the other languages' libraries."""

import subprocess
import sys


def test_the_library_loads_with_the_driver_only():
    code = (
        "import sys, protocols.driver, protocols.mqtt, protocols.mqtt.plan;"
        "assert 'paho' not in sys.modules;"
        "import protocols.mqtt.driver; assert 'paho' in sys.modules;"
        "assert not {'asyncua', 'pymodbus', 'cryptography', 'yaml', 'pydantic'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
