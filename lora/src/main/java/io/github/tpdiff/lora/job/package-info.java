/**
 * A training job as users write it ({@link io.github.tpdiff.lora.job.TrainingJob}), the keys it may
 * have ({@link io.github.tpdiff.lora.job.JobKey}), and what it comes to with a checkpoint ({@link
 * io.github.tpdiff.lora.job.ResolvedJob}).
 */
@NullMarked
package io.github.tpdiff.lora.job;

import org.jspecify.annotations.NullMarked;
