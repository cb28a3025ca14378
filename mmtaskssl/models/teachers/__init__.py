from .base import Taught, Teacher
from .frozen import FrozenTeacher

__all__ = ["FrozenTeacher", "Taught", "Teacher"]
