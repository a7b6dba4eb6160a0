"""HoloViews with Bokeh behind it, without the set-up that `hv.extension` prints into notebooks."""

import holoviews as hv
import holoviews.plotting.bokeh

hv.Store.set_current_backend("bokeh")
# A canvas prints and needs a third of the JavaScript; no picture here has enough points for WebGL to pay.
hv.renderer("bokeh").webgl = False

__all__ = ["hv"]
