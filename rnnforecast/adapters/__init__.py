"""Clothes in which the forecasters fit into other libraries; each module needs the library it is named after."""
