/**
 * Videos made for many at once: models opened once and kept warm, a bounded queue, one generation
 * at a time on each device.
 *
 * <pre>
 *   {@link io.github.tpdiff.runtime.serving.ModelOpener}    opens what a name stands for
 *   {@link io.github.tpdiff.runtime.serving.ServiceSetup}   models and LoRAs by name, and limits; with it a
 *   {@link io.github.tpdiff.runtime.serving.VideoService}   takes a
 *   {@link io.github.tpdiff.runtime.serving.VideoOrder}     and gives a
 *   {@link io.github.tpdiff.runtime.serving.Generation}     that can be watched, waited for and cancelled
 * </pre>
 */
@NullMarked
package io.github.tpdiff.runtime.serving;

import org.jspecify.annotations.NullMarked;
