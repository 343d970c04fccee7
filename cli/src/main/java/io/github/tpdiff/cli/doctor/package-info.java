/** What this machine has, what it lacks, and where things will run: one check for each. */
@NullMarked
package io.github.tpdiff.cli.doctor;

import org.jspecify.annotations.NullMarked;
