from .base import Taught, Teacher
from .frozen import FrozenTeacher
from .start import StartTeacher

__all__ = ["FrozenTeacher", "StartTeacher", "Taught", "Teacher"]
