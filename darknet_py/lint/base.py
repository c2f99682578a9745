"""What the rules of `lint` check, and what they report."""

from __future__ import annotations

from darknet_py.cfg.diagnostics import Complaint
from darknet_py.cfg.rules import Rule
from darknet_py.graph.graph import Graph

NET = -1  # stands for [net] where the others are indices of layers
LayerComplaint = tuple[int, Complaint]  # a layer or NET; the rule adds its code and severity
GraphRule = Rule[Graph, LayerComplaint]
