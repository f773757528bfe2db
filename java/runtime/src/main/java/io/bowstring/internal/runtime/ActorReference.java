package io.bowstring.internal.runtime;

import io.bowstring.ActorHandle;
import io.bowstring.PyActorHandle;
import io.bowstring.internal.call.CallOptions;
import io.bowstring.internal.wire.Language;
import io.bowstring.internal.wire.MethodRetries;
import java.io.NotSerializableException;
import java.io.ObjectOutputStream;
import java.io.Serial;

/** A handle of the user's on an actor; the last one's garbage collection lets the actor end. */
public abstract sealed class ActorReference {
    private final Session session;
    private final ActorLink link;

    private ActorReference(Session session, ActorLink link) {
        this.session = session;
        this.link = link;
        session.references().releaseWhenUnreachable(this, link.entry);
    }

    /** The handle of an actor, in the kind that its language asks for; takes over one handle of the entry. */
    static ActorReference of(Session session, ActorLink link) {
        return link.handle.language == Language.JAVA ? new OfJavaActor<>(session, link) : new OfPythonActor(session, link);
    }

    public Session session() {
        return session;
    }

    ActorLink link() {
        return link;
    }

    /** The actor's id: 32 hexadecimal digits. */
    public String id() {
        return Id.of(link.id()).toString();
    }

    /** Sets how often a call of a method may be made again, and after which errors, unless the call says otherwise. */
    public void retries(String method, CallOptions options) {
        options.maxTaskRetries = link.handle.maxTaskRetries;
        for (MethodRetries each : link.handle.methods) {
            if (each.name.equals(method)) {
                options.maxTaskRetries = each.maxTaskRetries;
                if (each.retryExceptions) {
                    options.retryOn(each.retriedTypes);
                }
            }
        }
    }

    /** The actor's class. */
    public String className() {
        return link.handle.className.isEmpty()
                ? link.handle.module
                : link.handle.module + "." + link.handle.className;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof ActorReference reference && reference.link.entry.id.equals(link.entry.id);
    }

    @Override
    public int hashCode() {
        return link.entry.id.hashCode();
    }

    @Override
    public String toString() {
        return "ActorHandle(" + className() + ", " + id() + ")";
    }

    /** Of an actor in Java. */
    public static final class OfJavaActor<A> extends ActorReference implements ActorHandle<A> {
        @Serial private static final long serialVersionUID = 1L;

        OfJavaActor(Session session, ActorLink link) {
            super(session, link);
        }

        @Serial
        private void writeObject(ObjectOutputStream out) throws NotSerializableException {
            throw new NotSerializableException(
                    "io.bowstring.ActorHandle; a handle travels in arguments, results and puts");
        }
    }

    /** Of an actor in Python. */
    public static final class OfPythonActor extends ActorReference implements PyActorHandle {
        @Serial private static final long serialVersionUID = 1L;

        OfPythonActor(Session session, ActorLink link) {
            super(session, link);
        }

        @Serial
        private void writeObject(ObjectOutputStream out) throws NotSerializableException {
            throw new NotSerializableException(
                    "io.bowstring.PyActorHandle; a handle travels in arguments, results and puts");
        }
    }
}
