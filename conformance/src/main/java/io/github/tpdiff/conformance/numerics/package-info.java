/** Cases of random numbers, assignment, optimiser steps and half precision: no network. */
@NullMarked
package io.github.tpdiff.conformance.numerics;

import org.jspecify.annotations.NullMarked;
