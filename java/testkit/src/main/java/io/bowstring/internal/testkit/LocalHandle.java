package io.bowstring.internal.testkit;

import io.bowstring.ActorHandle;
import java.io.NotSerializableException;
import java.io.ObjectOutputStream;
import java.io.Serial;

/** A handle of the user's on an actor; the last one's garbage collection lets the actor end. */
final class LocalHandle<A> implements ActorHandle<A> {
    @Serial private static final long serialVersionUID = 1L;

    private final transient LocalActor actor;

    LocalHandle(LocalActor actor) {
        this.actor = actor;
        actor.runtime().countHandle(this, actor);
    }

    LocalActor actor() {
        return actor;
    }

    @Override
    public String id() {
        return actor.id().toString();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof LocalHandle<?> handle && handle.actor == actor;
    }

    @Override
    public int hashCode() {
        return actor.id().hashCode();
    }

    @Override
    public String toString() {
        return "ActorHandle(" + actor.className() + ", " + id() + ")";
    }

    @Serial
    private void writeObject(ObjectOutputStream out) throws NotSerializableException {
        throw new NotSerializableException("io.bowstring.ActorHandle; a handle travels in arguments, results and puts");
    }
}
