package io.github.tpdiff.lora.train;

import io.github.tpdiff.lora.Parameter;
import java.util.Map;

/**
 * What is trained, after so many steps.
 *
 * @param step steps done
 * @param parameters by weight name; live, so copy what is kept
 */
public record TrainingSnapshot(int step, Map<String, Parameter> parameters) {}
