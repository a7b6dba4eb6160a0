"""HoloViews with Bokeh behind it, without the set-up that `hv.extension` prints into notebooks."""

import holoviews as hv
import holoviews.plotting.bokeh

hv.Store.set_current_backend("bokeh")

__all__ = ["hv"]
