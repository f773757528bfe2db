/** What user code logs in a worker, as lines of its output, which go to the driver. */
@org.jspecify.annotations.NullMarked
package io.bowstring.internal.log;
