import pytest

from workbench.scenes.synthetic.demo import draw_world, make_demo, reference_maps


@pytest.fixture(scope="session")
def world():
    """A scene of another seed than the demo's, as large as the demo."""
    return draw_world(7, (200, 300))


@pytest.fixture(scope="session")
def decisions(world):
    return reference_maps(world)


@pytest.fixture(scope="session")
def demo():
    return make_demo()
