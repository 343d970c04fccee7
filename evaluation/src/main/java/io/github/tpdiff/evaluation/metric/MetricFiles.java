package io.github.tpdiff.evaluation.metric;

import java.nio.file.Path;
import java.util.Optional;

/**
 * The files that a user supplies; each gives the metrics that need it.
 *
 * @param i3d {@code i3d_torchscript.pt}: FVD
 * @param features any network: the Fréchet distance of its features
 * @param clipImage CLIP ViT-B/32, pictures [1, 3, 224, 224] to features [1, 512]
 * @param clipText the same model's ids [1, 77] to features [1, 512]
 * @param clipTokenizer folder of its tokenizer
 * @param clipLarge CLIP ViT-L/14, pictures [1, 3, 224, 224] to features [1, 768]
 * @param aesthetic LAION's linear predictor, weight [1, 768] and bias [1]
 * @param dino DINO ViT-B/16, pictures [1, 3, H, W] of 224 at the shorter side to features [1, 768]
 * @param raft RAFT, see {@link FlowFeatures}
 * @param amt AMT, see {@link InterpolationFeatures}
 * @param musiq MUSIQ, pictures [1, 3, H, W] from 0 to 1 to a score of 0 to 100
 */
public record MetricFiles(
    Optional<Path> i3d,
    Optional<Path> features,
    Optional<Path> clipImage,
    Optional<Path> clipText,
    Optional<Path> clipTokenizer,
    Optional<Path> clipLarge,
    Optional<Path> aesthetic,
    Optional<Path> dino,
    Optional<Path> raft,
    Optional<Path> amt,
    Optional<Path> musiq) {}
