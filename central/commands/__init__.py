"""What each `fengsui-central` command does; the arguments are taken apart in `central.__main__`."""
