package io.bowstring;

import org.jspecify.annotations.Nullable;

/** An argument that is a value. */
record ValueArg<T extends @Nullable Object>(T value) implements Arg<T> {}
