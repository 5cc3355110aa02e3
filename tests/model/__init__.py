"""The delivery protocol as a small exhaustive model, and a machine over the real parts.

`state` says what exists, `gateway` and `collector` what each side does, `moves` what may happen,
`checker` visits every state there is. `configurations` names the good ones and the bad ones: a
checker that finds nothing in a bad one proves nothing in a good one.
"""
