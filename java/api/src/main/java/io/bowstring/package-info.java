/**
 * Remote tasks and actors in Java and Python over one shared-memory store.
 *
 * <p>{@link io.bowstring.Bowstring} is where everything starts.
 */
@NullMarked
package io.bowstring;

import org.jspecify.annotations.NullMarked;
