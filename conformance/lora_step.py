"""A training step of a LoRA on Wan 1.3B's width by diffusers and PEFT, to be set beside `tpdiff bench-train`.

    python lora_step.py BLOCKS FRAMES HEIGHT WIDTH recomputed|kept STEPS

Frames, height and width are those of the latents. Needs torch, diffusers and peft; prints seconds of each step after
the first, seconds of all cores a step, and the process's largest resident set. No part of the build.
"""

import sys
import time

import torch
from diffusers import WanTransformer3DModel
from peft import LoraConfig

blocks, frames, height, width = map(int, sys.argv[1:5])
activations, steps = sys.argv[5], int(sys.argv[6])
torch.manual_seed(0)
model = WanTransformer3DModel(
    num_layers=blocks, num_attention_heads=12, attention_head_dim=128, ffn_dim=8960, text_dim=4096, freq_dim=256,
    in_channels=16, out_channels=16, cross_attn_norm=True, qk_norm="rms_norm_across_heads", eps=1e-6, patch_size=(1, 2, 2))
model.requires_grad_(False)
targets = ["to_q", "to_k", "to_v", "to_out.0", "ffn.net.0.proj", "ffn.net.2"]
model.add_adapter(LoraConfig(r=32, lora_alpha=32, target_modules=targets))
model.train()
if activations == "recomputed":
    model.enable_gradient_checkpointing()
trained = [p for p in model.parameters() if p.requires_grad]
optimizer = torch.optim.AdamW(trained, lr=1e-4)
latents, target = torch.randn(2, 1, 16, frames, height, width)
text = torch.randn(1, 512, 4096)
seconds, cores = [], []
for _ in range(steps + 1):
    start = time.perf_counter()
    output = model(hidden_states=latents, timestep=torch.tensor([500.0]), encoder_hidden_states=text, return_dict=False)[0]
    torch.nn.functional.mse_loss(output, target).backward()
    torch.nn.utils.clip_grad_norm_(trained, 1.0)
    optimizer.step()
    optimizer.zero_grad()
    seconds.append(time.perf_counter() - start)
    cores.append(time.process_time())
with open("/proc/self/status") as status:
    peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) * 1024
print(f"torch {torch.__version__}, {activations}: {sorted(seconds[1:])[steps // 2]:.3f} s "
      f"{[f'{s:.2f}' for s in seconds[1:]]}, {(cores[-1] - cores[0]) / steps:.2f} s of cores, {peak / 1e9:.2f} GB")
