"""Approximate search, where it is asked for: an index of lists and short codes.

Rows are divided among lists (an inverted file) and kept there as codes of some bytes
(product quantisation: Jégou, Douze and Schmid, TPAMI 2011). A search looks through the
lists nearest to a query, and what the codes find is scored again, exactly, from the
store. How much is missed is measured: see `recall_of`.
"""
