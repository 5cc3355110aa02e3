"""Guards: what keeps one caller, honest or not, from costing the others their collector.

`buckets` and `targets` are pure; `connections` looks after sockets that say nothing, `incidents`
makes one line a minute of a storm, `guards` is what the routes speak to.
"""
