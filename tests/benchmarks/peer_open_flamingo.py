"""Runs in a venv with open_flamingo: its model on a given input, its answers into a file.

    python peer_open_flamingo.py logits IN.pt OUT.pt
    python peer_open_flamingo.py flops SHAPES.json OUT.json

Called by vs_open_flamingo.py. Nothing of open_flamingo is changed but what transformers 5 and a
model without downloads need: a default for attention_mask.
"""

import json
import sys
from pathlib import Path

import open_clip
import torch
from open_flamingo.src.flamingo import Flamingo
from open_flamingo.src.flamingo_lm import FlamingoLMMixin
from open_flamingo.src.utils import extend_instance
from transformers import LlamaConfig, LlamaForCausalLM


def build(shape):
    """Their Flamingo on a Llama and an open_clip tower of a given shape, with new weights."""
    lm = LlamaForCausalLM(LlamaConfig(**shape["language"]))
    extend_instance(lm, FlamingoLMMixin)
    lm.set_decoder_layers_attr_name("model.layers")
    where = str(torch.get_default_device())
    clip = open_clip.create_model(shape["vision"], pretrained=None, device=where)
    clip.visual.output_tokens = True
    model = Flamingo(
        clip,
        lm,
        eoc_token_id=shape["eoc"],
        media_token_id=shape["image"],
        vis_dim=open_clip.get_model_config(shape["vision"])["vision_cfg"]["width"],
        cross_attn_every_n_layers=shape["every"],
    )
    model.requires_grad_(False)
    model.perceiver.requires_grad_(True)
    model.lang_encoder.gated_cross_attn_layers.requires_grad_(True)
    model.lang_encoder.get_input_embeddings().requires_grad_(True)
    return model


def logits(source, target):
    """Weights, logits, loss and gradients for one padded batch; with a checkpoint, of it."""
    given = torch.load(source)
    torch.manual_seed(0)
    model = build(given["shape"])
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith(("attn_gate", "ff_gate")):
                parameter.fill_(0.5)  # open gates, or nothing of the images would be seen
    unknown = []
    if "checkpoint" in given:  # as its trainer and its evaluation load one
        unknown = model.load_state_dict(given["checkpoint"], strict=False).unexpected_keys
    out = model(given["vision_x"], given["lang_x"], given["attention_mask"])
    # Of the words one is never to be said: <image>, the last one, which ours has no output for.
    said = out.logits[..., :-1].flatten(0, 1)
    loss = torch.nn.functional.cross_entropy(said, given["targets"].flatten())
    loss.backward()
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    torch.save(
        {
            "clip": model.vision_encoder.state_dict(),
            "language": {
                name.removeprefix("lang_encoder.").replace("decoder_layer.", ""): tensor
                for name, tensor in model.state_dict().items()
                if name.startswith("lang_encoder.")
                and "gated_cross_attn" not in name
                and "old_decoder_blocks" not in name
            },
            "trained": {name: p.detach() for name, p in trained.items()},
            "gradients": {name: p.grad for name, p in trained.items()},
            "logits": out.logits.detach(),
            "loss": loss.detach(),
            "unknown": unknown,
        },
        target,
    )


def flops(source, target):
    """Floating-point operations of forward and backward for each given padded batch, on no data."""
    from torch.utils.flop_counter import FlopCounterMode

    given = json.loads(Path(source).read_text())
    counts = []
    with torch.device("meta"):
        model = build(given["shape"])
        for batch in given["batches"]:
            rows, tokens, slots = batch["rows"], batch["tokens"], batch["images"]
            side = given["side_px"]
            ids = torch.zeros(rows, tokens, dtype=torch.long)
            pixels = torch.zeros(rows, slots, 1, 3, side, side)
            with FlopCounterMode(display=False) as counter:
                # A mask of four dimensions: transformers would look into any other for its values.
                mask = torch.zeros(rows, 1, tokens, tokens)
                model(pixels, ids, mask, labels=ids).loss.backward()
            counts.append(counter.get_total_flops())
    Path(target).write_text(json.dumps(counts))


if __name__ == "__main__":
    {"logits": logits, "flops": flops}[sys.argv[1]](*sys.argv[2:])
