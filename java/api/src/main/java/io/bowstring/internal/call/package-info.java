/** What the API and the runtimes behind it say to each other of calls: options, and checks of what users pass. */
@NullMarked
package io.bowstring.internal.call;

import org.jspecify.annotations.NullMarked;
