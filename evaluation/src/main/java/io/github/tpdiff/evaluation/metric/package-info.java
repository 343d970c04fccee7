/**
 * Metrics of videos: distances between sets of them, and measures of each.
 *
 * <pre>
 *   {@link io.github.tpdiff.evaluation.metric.VideoSet}          a folder or list of videos
 *   {@link io.github.tpdiff.evaluation.metric.FeatureExtractor}  frames of one video → rows of numbers, kept by content
 *   {@link io.github.tpdiff.evaluation.metric.Measure}           rows of one video → a value of it
 *   {@link io.github.tpdiff.evaluation.metric.FeatureDistance}   rows of all videos of two sets → a distance
 *   {@link io.github.tpdiff.evaluation.metric.Evaluation}        does all that for every video, and says how sure it is
 *   {@link io.github.tpdiff.evaluation.metric.FeatureNetwork}    a network the user supplies, on whatever engine
 * </pre>
 */
@NullMarked
package io.github.tpdiff.evaluation.metric;

import org.jspecify.annotations.NullMarked;
