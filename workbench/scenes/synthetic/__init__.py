"""The synthetic scene: the embedded default, made in seconds, with a Bayes accuracy that is known.

A landscape of small parcels seen by a hyperspectral camera (64 bands, 420 to 2430 nm, reflectance), a LiDAR (height
above ground) and a two-polarisation SAR (backscatter in dB). Ten classes; pairs of them differ in the spectrum only
(meadow and dry grass, asphalt and artificial turf), in height only (asphalt and low flat roof) or in SAR only (smooth
and ploughed soil), so fusion wins by construction and every report on the scene says so.

What makes the Bayes accuracy exact (`model` draws from these distributions, `bayes` evaluates the same ones):

- Parcels and labelled polygons are laid out first; then each parcel draws its class alone, all classes equally
  likely. So shapes, places and neighbours say nothing, and context holds nothing beyond the parcel itself. (Which
  parcels are labelled is chosen class by class to fill the classes evenly, blind to all measurements.)
- Given its class, a parcel draws a spectrum, a height and two backscatter levels, independently of each other; its
  pixels scatter around them independently (Gaussian texture and sensor noise, Gaussian height, gamma speckle).
- Pixels near a parcel's border mix their neighbours (point spread). Labelled pixels lie at least 3 pixels inside,
  where nothing is mixed.
- Light is known to the rules: reflectance is multiplied by the terrain's shading and the cast shadow, and the rules
  are told the factor of each pixel. A classifier is not told, so the rules bound it from above.
- Shadows must not tell heights to a camera. Only conifers and tiled roofs are tall enough to cast any, and each has
  a spectrum of its own that the camera cannot mistake for another class once a parcel is pooled; what is lower than
  3 m, where height alone separates classes, neither casts shadow nor changes the shadow it receives. SAR has neither
  layover nor radar shadow.
- HSI values are rounded to 0.0001, a hundredth of the noise; the rules see the rounded values.

Two rules, both with the exact densities, for each modality and combination: `pixel` sees one pixel and its light;
`object` pools the unmixed pixels of the parcel. `limit` is the expected accuracy of a rule that knows the parcel's
spectrum, height and backscatter without noise: no classifier with any context can do better on average.
"""

from workbench.scenes.synthetic.demo import make_demo

__all__ = ["make_demo"]
