"""Power cuts, failing and full media, starved processes: what is accepted must come through.

`crash_vfs`   the buffer's own statements on a medium that forgets what was not synced (no root)
`ledger`      the same for the collector's database
`power_cut`   a real file system on a block device whose cache is lost (root, nbdkit)
`failing`     EIO and ENOSPC switched on and off inside running processes (libfiu)
`starved`     no file descriptors, no memory, stopped for a while

`make faults` runs the long forms: `python -m tests.faults`.

For other harnesses: `tests.faults.crash_vfs.power_leg(folder, seed, crashes, sabotage="")` returns
a `Toll` with `crashes, accepted, lost, invented, damaged, reasons`, `clean`. `sabotage="nofsync"`
runs the same statements with synchronous=OFF, `"normal"` with NORMAL: `lost` is then above zero.
About 50 ms a cut.
"""
