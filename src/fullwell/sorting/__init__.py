"""Sort a folder of raw frames: find, classify, check, group."""

from fullwell.sorting.finding import Found, find
from fullwell.sorting.folder import sort_folder
from fullwell.sorting.groups import Configuration, Group, group
from fullwell.sorting.labels import configuration_labels, labels
from fullwell.sorting.records import FrameRecord, Remark, SetAside, Sorted
from fullwell.sorting.types import Decision, Patterns, classify

__all__ = [
    "Configuration",
    "Decision",
    "Found",
    "FrameRecord",
    "Group",
    "Patterns",
    "Remark",
    "SetAside",
    "Sorted",
    "classify",
    "configuration_labels",
    "find",
    "group",
    "labels",
    "sort_folder",
]
