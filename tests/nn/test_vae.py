"""The variational autoencoder: its bound against SciPy's distributions, its noise, its parameters, its export."""

from typing import Any

import keras
import numpy as np
import pytest
from scipy import stats

from wncompare.data.form import ONLY, Form, Input, Target
from wncompare.errors import ModelError
from wncompare.layers import fold
from wncompare.nn.layers import GaussianSample, Likelihood

from .forms import AGAIN, NUMBERS_AGAIN, PICTURES, WORDS, build, examples

MLP = {"units": (7, 6), "latent": 2}
CONV = {"network": "conv", "latent": 3}


def test_parameters_are_those_of_a_hand_count() -> None:
    """Encoder and decoder mirror each other; the encoder ends in two numbers for each of the code's."""
    dense = (64 * 7 + 7) + (7 * 6 + 6) + (6 * 4 + 4) + (2 * 6 + 6) + (6 * 7 + 7) + (7 * 64 + 64)
    assert build("vae", MLP, AGAIN).count_params() == dense
    down = (9 * 1 * 32 + 32) + (9 * 32 * 64 + 64) + (2 * 2 * 64 * 6 + 6)
    up = (3 * 256 + 256) + (9 * 64 * 64 + 64) + (9 * 64 * 32 + 32) + (9 * 32 * 1 + 1)
    assert build("vae", CONV, AGAIN).count_params() == down + up


def test_the_divergence_is_that_of_two_normal_distributions() -> None:
    """KL(N(μ, σ²) ‖ N(0, 1)) against an average of SciPy's log densities over a fine grid of quantiles."""
    rng = np.random.default_rng(0)
    mean, deviation = rng.normal(size=(3, 2)), rng.uniform(0.3, 2, (3, 2))
    quantiles = stats.norm.ppf((np.arange(200_000) + 0.5) / 200_000)[:, None, None] * deviation + mean
    density = stats.norm(mean, deviation).logpdf(quantiles) - stats.norm.logpdf(quantiles)
    layer = GaussianSample()
    layer(np.concatenate([mean, 2 * np.log(deviation)], axis=1).astype("float32"))
    assert float(layer.losses[0]) == pytest.approx(density.mean(0).sum(1).mean(), rel=1e-3)


def test_samples_have_the_mean_and_the_variance_asked_for() -> None:
    """Of 40,000 samples at μ = 3, σ = ½, with Kolmogorov–Smirnov's test."""
    statistics = np.tile(np.float32([3.0, np.log(0.25)]), (40_000, 1))
    samples = np.asarray(GaussianSample(seed=1)(statistics))[:, 0]
    assert stats.kstest(samples, stats.norm(3, 0.5).cdf).pvalue > 0.01


@pytest.mark.parametrize("kind", ["bernoulli", "gaussian"])
def test_the_likelihood_is_scipy_s(kind: Any) -> None:
    """Summed over an example's numbers, averaged over the batch; the layer gives the expectation."""
    rng = np.random.default_rng(0)
    given = rng.normal(size=(5, 4)).astype("float32")
    x = rng.integers(0, 2, (5, 4)).astype("float32")
    layer = Likelihood(kind)
    expectation = np.asarray(layer([given, x]))
    p = 1 / (1 + np.exp(-given.astype("float64")))
    law = stats.bernoulli(p).logpmf(x) if kind == "bernoulli" else stats.norm(given).logpdf(x)
    np.testing.assert_allclose(expectation, p if kind == "bernoulli" else given, rtol=1e-6)
    assert float(layer.losses[0]) == pytest.approx(-law.sum(1).mean(), rel=1e-6)


def test_a_far_logit_is_no_infinity() -> None:
    """sigmoid(±200) is 0 or 1 in float32; its surprise is still 200 nats."""
    layer = Likelihood("bernoulli")
    layer([np.float32([[200.0, -200.0]]), np.float32([[0.0, 1.0]])])
    assert float(layer.losses[0]) == pytest.approx(400)


def test_the_bound_is_below_the_evidence() -> None:
    """With a linear decoder log p(x) is known: the bound, averaged over samples, is below it, at the posterior equal.

    p(z) = N(0, 1), p(x | z) = N(az, 1): p(x) = N(0, 1 + a²) and p(z | x) = N(ax/(1 + a²), 1/(1 + a²)).
    """
    a, x = 1.5, np.full((100_000, 1), 0.7, "float32")
    evidence = stats.norm(0, np.sqrt(1 + a**2)).logpdf(0.7)

    def bound(mean: float, variance: float) -> float:
        sample, likelihood = GaussianSample(seed=0), Likelihood("gaussian")
        z = sample(np.tile(np.float32([mean, np.log(variance)]), (len(x), 1)))
        likelihood([a * z, x])
        return -float(sample.losses[0]) - float(likelihood.losses[0])

    assert bound(a * 0.7 / (1 + a**2), 1 / (1 + a**2)) == pytest.approx(evidence, abs=0.01)
    assert bound(0.0, 1.0) < evidence - 0.1


@pytest.mark.parametrize(("options", "form"), [(MLP, AGAIN), (CONV, AGAIN), (MLP, NUMBERS_AGAIN)])
def test_it_learns(options: dict[str, Any], form: Form) -> None:
    """Trained on its own losses alone, it has a lower bound after thirty steps."""
    model, x = build("vae", options, form), examples(form)
    model.compile(keras.optimizers.Adam(0.01), jit_compile=False)
    losses = model.fit(x, epochs=30, batch_size=16, verbose=0).history["loss"]
    assert losses[-1] < losses[0] - 0.5


@pytest.mark.parametrize(("options", "form"), [(MLP, AGAIN), (CONV, AGAIN), (MLP, NUMBERS_AGAIN)])
def test_folded_it_gives_the_mean_s_reconstruction_without_wncompare(options: dict[str, Any], form: Form) -> None:
    """Layers of Keras's alone, which give what the model gives where its noise is zero; the model stays as it is."""
    model, x = build("vae", options, form), examples(form)
    folded = fold(model)
    assert {type(layer).__module__.split(".")[0] for layer in folded.layers} == {"keras"}
    found = np.asarray(folded(x))
    assert (np.asarray(model(x)) != found).any()
    sample = model.get_layer("sample")
    sample.call = lambda inputs: inputs[:, : inputs.shape[1] // 2]
    np.testing.assert_allclose(np.asarray(model(x)), found, rtol=1e-5, atol=1e-6)


REFUSED: list[tuple[dict[str, Any], Form, str]] = [
    (MLP, PICTURES, r"the targets are classes: expected the inputs, dataset: {…, reconstruct: true}"),
    (MLP, WORDS, "the inputs are tokens: expected images or numbers"),
    (CONV, NUMBERS_AGAIN, r"inputs of \(5,\): expected images .*use network: mlp"),
    (CONV, Form({ONLY: Input("image", (8, 6, 1))}, Target("inputs", (8, 6, 1))), "sides are multiples of 4"),
]


@pytest.mark.parametrize(("options", "form", "words"), REFUSED)
def test_data_that_do_not_fit_are_refused(options: dict[str, Any], form: Form, words: str) -> None:
    """On one line, with the remedy."""
    with pytest.raises(ModelError, match=f"model vae: .*{words}") as caught:
        build("vae", options, form)
    assert "\n" not in str(caught.value)
