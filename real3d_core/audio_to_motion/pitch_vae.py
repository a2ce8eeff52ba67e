"""The network that turns speech features, pitch and mouth amplitude into 3DMM expressions.

Rates
    HuBERT features and pitch come at 50 Hz (T rows, a multiple of 8), expressions leave at 25 Hz (T / 2
    rows), the latent noise lives at 6.25 Hz (T / 8 rows).

Names of parameters are those of the released file (tests/golden/manifest_audio2secc_vae.json).
See docs/model.md, "Audio-to-Motion network".
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

HUBERT_WIDTH = 1024
EXPRESSIONS = 64
LATENT = 16
CONDITION = 128  # width of the condition that speech, pitch, blink and mouth amplitude are projected to
ROWS = 8  # T must be a multiple of it
LOWEST_PITCH, HIGHEST_PITCH, PITCH_STEPS = 50.0, 1100.0, 255  # Hz, Hz, steps on the mel scale


class PitchContourVAE(nn.Module):
    """Speech to expressions, 11.9 million parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.mouth_amp_embed = nn.Parameter(torch.zeros(CONDITION))
        self.blink_embed = nn.Embedding(2, CONDITION)
        self.mel_encoder = _signal_encoder(HUBERT_WIDTH)
        self.pitch_embed = nn.Embedding(300, CONDITION)
        self.pitch_encoder = _signal_encoder(CONDITION)
        self.cond_proj = nn.Linear(4 * CONDITION, CONDITION)
        self.vae = _ExpressionVAE()

    def forward(self, hubert: Tensor, f0: Tensor, mouth_amplitude: Tensor, z: Tensor) -> Tensor:
        """[B, T / 2, 64] expression coefficients at 25 Hz.

        hubert          [B, T, 1024] at 50 Hz, T a multiple of 8.
        f0              [B, T] Hz; 0 where unvoiced.
        mouth_amplitude [B, 1], 0..1; 0.45 is natural.
        z               [B, 16, T / 8] normal noise times the temperature.
        """
        speech = self.mel_encoder(hubert[:, ::2].transpose(1, 2)).transpose(1, 2)
        embedded = self.pitch_embed(coarse_pitch(f0[:, ::2]))
        pitch = self.pitch_encoder(embedded.transpose(1, 2)).transpose(1, 2)
        blink = self.blink_embed.weight[0].expand_as(pitch)  # lids are not this network's in use
        mouth = (mouth_amplitude[..., None] * self.mouth_amp_embed).expand_as(pitch)
        condition = self.cond_proj(torch.cat([speech, pitch, blink, mouth], dim=-1))
        return self.vae(condition.transpose(1, 2), z).transpose(1, 2)


def coarse_pitch(f0: Tensor) -> Tensor:
    """int64 1..255 on the mel scale, 1 where unvoiced, of f0 in Hz (any shape)."""
    low, high = (1127 * math.log(1 + hertz / 700) for hertz in (LOWEST_PITCH, HIGHEST_PITCH))
    mel = 1127 * torch.log(1 + f0.float() / 700)
    steps = (mel - low) * (PITCH_STEPS - 1) / (high - low) + 1
    return (steps.clamp(1, PITCH_STEPS) + 0.5).long()


def _signal_encoder(width: int) -> nn.Sequential:
    """[B, width, n] -> [B, 128, n]."""
    return nn.Sequential(
        nn.Conv1d(width, CONDITION, 3, padding=1, bias=False),
        nn.BatchNorm1d(CONDITION),
        nn.GELU(),
        nn.Conv1d(CONDITION, CONDITION, 3, padding=1, bias=False),
    )


class _ExpressionVAE(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.g_pre_net = nn.Sequential(nn.Conv1d(CONDITION, CONDITION, 8, stride=4, padding=2))
        self.encoder = _Encoder()
        self.prior_flow = _PriorFlow()
        self.decoder = _Decoder()

    def forward(self, condition: Tensor, z: Tensor) -> Tensor:
        """[B, 64, n] of the condition [B, 128, n] and noise z [B, 16, n / 4]."""
        latent = self.prior_flow(z, self.g_pre_net(condition))
        return self.decoder(latent, condition)


class _Encoder(nn.Module):
    """Expressions to latents: used in training alone, here so that the released file loads whole."""

    def __init__(self) -> None:
        super().__init__()
        self.pre_net = nn.Sequential(nn.Conv1d(EXPRESSIONS, 256, 8, stride=4, padding=2))
        self.wn = _WaveNet(256, kernel=5, layers=8)
        self.out_proj = nn.Conv1d(256, 2 * LATENT, 1)


class _PriorFlow(nn.Module):
    """Normal noise to the latents that speech has, given the condition: the flow backwards."""

    def __init__(self) -> None:
        super().__init__()
        # Every other entry of the trained list turned the channels around, which needs no weights.
        self.flows = nn.ModuleDict({str(index): _Coupling() for index in (0, 2, 4, 6)})

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        couplings: Iterable[nn.Module] = self.flows.values()
        for coupling in reversed(list(couplings)):
            z = coupling(z.flip(1), condition)
        return z


class _Coupling(nn.Module):
    """Shifts the second half of the channels by what the first half and the condition say."""

    def __init__(self) -> None:
        super().__init__()
        self.pre = nn.Conv1d(LATENT // 2, 64, 1)
        self.enc = _WaveNet(64, kernel=3, layers=4)
        self.post = nn.Conv1d(64, LATENT // 2, 1)

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        kept, shifted = z.chunk(2, dim=1)
        return torch.cat([kept, shifted - self.post(self.enc(self.pre(kept), condition))], dim=1)


class _Decoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.pre_net = nn.Sequential(nn.ConvTranspose1d(LATENT, 256, 4, stride=4))
        self.wn = _WaveNet(256, kernel=5, layers=4)
        self.out_proj = nn.Conv1d(256, EXPRESSIONS, 1)

    def forward(self, latent: Tensor, condition: Tensor) -> Tensor:
        return self.out_proj(self.wn(self.pre_net(latent), condition))


class _WaveNet(nn.Module):
    """Gated convolutions with a condition [B, 128, n]; [B, width, n] -> [B, width, n], the sum of skips."""

    def __init__(self, width: int, kernel: int, layers: int) -> None:
        super().__init__()
        self.width = width
        self.cond_layer = _WeightNormConv(CONDITION, 2 * width * layers, 1)
        self.in_layers = nn.ModuleList(_WeightNormConv(width, 2 * width, kernel) for _ in range(layers))
        last = layers - 1  # has a skip only
        self.res_skip_layers = nn.ModuleList(
            _WeightNormConv(width, width if i == last else 2 * width, 1) for i in range(layers)
        )

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        total = torch.zeros_like(x)
        shifts = self.cond_layer(condition).chunk(len(self.in_layers), dim=1)
        for layer, res_skip, shift in zip(self.in_layers, self.res_skip_layers, shifts, strict=True):
            signal, gate = (layer(x) + shift).chunk(2, dim=1)
            out = res_skip(torch.tanh(signal) * torch.sigmoid(gate))
            if out.shape[1] > self.width:
                x = x + out[:, : self.width]
            total = total + out[:, -self.width :]
        return total


class _WeightNormConv(nn.Module):
    """A 1-D convolution that stores direction and length of each filter apart; keeps the number of rows."""

    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.weight_g = nn.Parameter(torch.ones(outputs, 1, 1))
        self.weight_v = nn.Parameter(torch.ones(outputs, inputs, kernel))

    def forward(self, x: Tensor) -> Tensor:
        length = torch.linalg.vector_norm(self.weight_v, dim=(1, 2), keepdim=True)
        weight = self.weight_v * (self.weight_g / length)
        return F.conv1d(x, weight, self.bias, padding=weight.shape[-1] // 2)
