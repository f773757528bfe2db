/** The worker: runs tasks and actors for callers that hold its lease. */
@NullMarked
package io.bowstring.internal.worker;

import org.jspecify.annotations.NullMarked;
