/** The frontend's runtime, in drivers and workers alike: objects, leases, actors, and the connection to the node. */
@NullMarked
package io.bowstring.internal.runtime;

import org.jspecify.annotations.NullMarked;
