package io.bowstring.internal.call;

import java.util.Set;

/**
 * Which errors of user code are reasons to try again.
 *
 * @param types names of classes, which stand for their subclasses too; none: every error
 * @param loader where the classes are
 */
public record RetriedErrors(Set<String> types, ClassLoader loader) {}
