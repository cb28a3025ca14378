"""The one judge of annotations: what they mean, before anything is made of them.

`transfer` asks it of the files that a config names, `customize` and `routing` of a
target; none of them has rules of its own.
"""
