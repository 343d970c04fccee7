package io.github.tpdiff.runtime.pipeline;

import io.github.tpdiff.runtime.graph.Program;
import io.github.tpdiff.weights.TensorSource;

/** A program with the checkpoint that holds its weights. */
public record Component(Program program, TensorSource weights) {}
