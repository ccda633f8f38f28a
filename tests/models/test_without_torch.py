"""The default install has no torch: `pull` names what is missing, everything else works."""

from __future__ import annotations

import subprocess
import sys
import textwrap

BLOCKED = "torch torchvision timm open_clip onnx onnxscript onnx_ir safetensors huggingface_hub"


def _run(body: str) -> None:
    script = textwrap.dedent(
        f"""
        import sys

        class Blocker:
            def find_spec(self, name, path=None, target=None):
                if name.partition(".")[0] in {BLOCKED.split()!r}:
                    raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

        sys.meta_path.insert(0, Blocker())
        """
    ) + textwrap.dedent(body)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_shipped_encoder_embeds_without_torch():
    _run(
        """
        import numpy as np
        from findalike.models import DEFAULT_ENCODER, Encoder

        pictures = np.random.default_rng(0).integers(0, 256, (2, 224, 224, 3), dtype=np.uint8)
        embeddings = Encoder.load(DEFAULT_ENCODER, threads=1).embed(pictures)
        assert embeddings.shape[0] == 2
        assert np.allclose(np.linalg.norm(embeddings, axis=1), 1.0, atol=1e-5)
        """
    )


def test_pull_names_the_extra_it_needs():
    _run(
        """
        from findalike.errors import MissingExtraError
        from findalike.models.pull import pull
        from findalike.models.backbone_names import BACKBONES

        assert "resnet18" in BACKBONES
        try:
            pull("resnet18")
        except MissingExtraError as error:
            assert 'pip install "findalike[train]"' in str(error)
        else:
            raise AssertionError
        """
    )


def test_importing_the_package_loads_nothing_heavy():
    _run(
        """
        import findalike.models

        heavy = {"onnxruntime", "cv2", "lancedb", "torch", "PIL"} & set(sys.modules)
        assert not heavy, heavy
        """
    )
