"""The Sentinel-1 features that come with the S2FL scenes, Augsburg and Berlin."""

from workbench.scenes.catalogue.recipe import Sensor

SENTINEL1 = Sensor(
    4, "unknown", band_names=("VV intensity", "VH intensity", "covariance, real part", "covariance, imaginary part")
)
"""Of four bands only two are intensities, so that the whole is no backscatter."""

SENTINEL1_NOTE = (
    "SAR: two intensities and the real and imaginary part of the covariance; intensities have heavy tails, so take their "
    "logarithm or clip percentiles before scaling."
)
