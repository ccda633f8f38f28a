"""The short names of backbones that `pull` knows; readable without torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BackboneName:
    """A short name's long form, and what stands behind it."""

    spec: str
    what: str


BACKBONES: dict[str, BackboneName] = {
    "convnext_atto": BackboneName(
        "timm/convnext_atto.d2_in1k",
        "ConvNeXt, 3.4 M parameters, ImageNet-1k (arXiv:2201.03545)",
    ),
    "convnext_base_clip": BackboneName(
        "open_clip/convnext_base_w:laion2b_s13b_b82k_augreg",
        "image tower of a CLIP ConvNeXt-Base, LAION-2B (arXiv:2212.07143)",
    ),
    "convnext_xxlarge": BackboneName(
        "open_clip/convnext_xxlarge:laion2b_s34b_b82k_augreg_soup",
        "image tower of the largest CLIP ConvNeXt, 846 M parameters, LAION-2B; the backbone of "
        "the best solutions of the 2023 visual product recognition challenge",
    ),
    "dinov2_base": BackboneName(
        "timm/vit_base_patch14_dinov2.lvd142m",
        "DINOv2 ViT-B/14, self-supervised on LVD-142M (arXiv:2304.07193); 518 px, less on request",
    ),
    "dinov2_small": BackboneName(
        "timm/vit_small_patch14_dinov2.lvd142m",
        "DINOv2 ViT-S/14, self-supervised on LVD-142M (arXiv:2304.07193); 518 px, less on request",
    ),
    "efficientnet_b0": BackboneName(
        "timm/efficientnet_b0.ra_in1k",
        "EfficientNet-B0, 5.3 M parameters, ImageNet-1k (arXiv:1905.11946)",
    ),
    "efficientnet_lite0": BackboneName(
        "timm/tf_efficientnet_lite0.in1k",
        "EfficientNet-Lite0, 4.7 M parameters, ImageNet-1k; the architecture of the shipped "
        "encoder",
    ),
    "resnet18": BackboneName(
        "timm/resnet18.a1_in1k",
        "ResNet-18, 11.7 M parameters, ImageNet-1k (arXiv:1512.03385)",
    ),
    "resnet50": BackboneName(
        "timm/resnet50.a1_in1k",
        "ResNet-50, 25.6 M parameters, ImageNet-1k (arXiv:1512.03385)",
    ),
    "siglip2_base": BackboneName(
        "open_clip/ViT-B-16-SigLIP2:webli",
        "image tower of SigLIP 2 ViT-B/16 at 224 px, WebLI (arXiv:2502.14786)",
    ),
    "siglip_base": BackboneName(
        "open_clip/ViT-B-16-SigLIP:webli",
        "image tower of SigLIP ViT-B/16 at 224 px, WebLI (arXiv:2303.15343)",
    ),
    "vgg11": BackboneName(
        "timm/vgg11.tv_in1k",
        "VGG-11, 4096-d features of its last hidden layer, ImageNet-1k (arXiv:1409.1556)",
    ),
    "vgg16": BackboneName(
        "timm/vgg16.tv_in1k",
        "VGG-16, 4096-d features of its last hidden layer, ImageNet-1k (arXiv:1409.1556)",
    ),
}
"""Short name → long form; see `findalike.models.backbones.build` for the long forms."""
