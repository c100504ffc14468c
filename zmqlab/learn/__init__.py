"""The course for its learner: what there is, what has passed, whether the machine is ready.

Knows no other room.
"""
