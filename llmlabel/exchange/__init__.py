"""Files in and out: documents and recordings read one by one, labels written line by line."""

from llmlabel.exchange.items import BadLine, Counts, ReadOptions, Recording, TextItem
from llmlabel.exchange.records import label_record
from llmlabel.exchange.resume import Done, resume
from llmlabel.exchange.sources import Reader
from llmlabel.exchange.writer import LabelWriter

__all__ = [
    "BadLine",
    "Counts",
    "Done",
    "LabelWriter",
    "ReadOptions",
    "Reader",
    "Recording",
    "TextItem",
    "label_record",
    "resume",
]
