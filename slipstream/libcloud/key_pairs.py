"""Key pairs: the user's public SSH keys."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import attrs
from libcloud.compute.base import KeyPair

from slipstream.errors import BadInput, KeyPairConflict, KeyPairMissing
from slipstream.libcloud import convert
from slipstream.libcloud.base import DriverBase, check_own
from slipstream.libcloud.operation import operation
from slipstream.libcloud.request import label
from slipstream.values.ssh_key import SSHKey, generate


class KeyPairMethods(DriverBase):
    """The part of the driver that deals with key pairs."""

    @operation
    def list_key_pairs(self) -> list[KeyPair]:
        """
        List the user's public SSH keys.

        :requests: SlipStream 1, and 1 more after a login, for the user's name. Nuvla 1 for each
            500 keys.
        :returns: Key pairs, named by the keys' comments; a key without one is named by its
            SHA-256 fingerprint.
        :rtype: ``list`` of :class:`~libcloud.compute.base.KeyPair`
        """
        return list(self.ex_iterate_key_pairs())

    @operation
    def ex_iterate_key_pairs(self) -> Iterator[KeyPair]:
        """
        Go through the key pairs that :meth:`list_key_pairs` lists.

        :requests: those of :meth:`list_key_pairs`: SlipStream 1, Nuvla 1.
        :rtype: iterator of :class:`~libcloud.compute.base.KeyPair`
        """
        return (convert.key_pair(key, self) for key in self._backend.list_ssh_keys())

    @operation
    def get_key_pair(self, name: str) -> KeyPair:
        """
        Get one of the user's public SSH keys.

        :param name: Its name or its fingerprint.
        :type name: ``str``

        :requests: those of :meth:`list_key_pairs`: SlipStream 1, Nuvla 1.
        :rtype: :class:`~libcloud.compute.base.KeyPair`
        :raises KeyPairMissing: If there is none of that name.
        :raises KeyPairConflict: If there are several; ask by fingerprint then.
        """
        return convert.key_pair(self._key(name), self)

    @operation
    def create_key_pair(self, name: str) -> KeyPair:
        """
        Make an RSA key pair here and add the public half to the user's keys.

        :param name: Its name.
        :type name: ``str``

        :requests: SlipStream 4: the profile is read, read again, written and looked at, since
            others may change it meanwhile; again as often while they do. Nuvla 2.
        :returns: The key pair; its ``private_key``, in PEM format, exists nowhere else.
        :rtype: :class:`~libcloud.compute.base.KeyPair`
        :raises KeyPairConflict: If the name is taken.
        """
        key, private_key = generate(label(name, "key name"))
        self._session.hide(private_key)
        added = self._backend.add_ssh_key(key)
        return convert.key_pair(added, self, private_key)

    @operation
    def import_key_pair_from_string(self, name: str, key_material: str) -> KeyPair:
        """
        Add a public SSH key to the user's keys.

        :param name: Its name, which replaces the key's comment.
        :type name: ``str``

        :param key_material: The key in OpenSSH's one-line format; options before it are kept.
        :type key_material: ``str``

        :requests: SlipStream 4: the profile is read, read again, written and looked at, since
            others may change it meanwhile; again as often while they do. Nuvla 2.
        :returns: The key pair. When the user has this very key under that name already, nothing
            is changed.
        :rtype: :class:`~libcloud.compute.base.KeyPair`
        :raises BadInput: If it is no public key.
        :raises KeyPairConflict: If the name is taken by another key.
        """
        if not isinstance(key_material, str):
            raise TypeError(f"A public key is a text, not {type(key_material).__name__}.")
        key = SSHKey.parse(key_material).check()
        if name or not key.comment:
            key = attrs.evolve(key, comment=label(name, "key name"))
        return convert.key_pair(self._backend.add_ssh_key(key), self)

    @operation
    def import_key_pair_from_file(self, name: str, key_file_path: str) -> KeyPair:
        """
        Add a public SSH key from a file; see :meth:`import_key_pair_from_string`.

        :param name: Its name, which replaces the key's comment.
        :type name: ``str``

        :param key_file_path: The file, usually ``~/.ssh/*.pub``.
        :type key_file_path: ``str``

        :requests: those of :meth:`import_key_pair_from_string`: SlipStream 4, Nuvla 2.
        :rtype: :class:`~libcloud.compute.base.KeyPair`
        :raises BadInput: If the file cannot be read or holds no public key.
        """
        path = Path(key_file_path).expanduser()
        try:
            material = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not text"
            raise BadInput(f"Cannot read the key file {path}: {reason}.") from None
        return self.import_key_pair_from_string(name, material)

    @operation
    def delete_key_pair(self, key_pair: KeyPair) -> bool:
        """
        Remove a public SSH key from the user's keys; every other one stays.

        :param key_pair: The key pair; one made by hand is looked up by its name.
        :type key_pair: :class:`~libcloud.compute.base.KeyPair`

        :requests: SlipStream 4, Nuvla 1; for a key pair made by hand those of :meth:`get_key_pair`
            more.
        :returns: ``True``; a failure is an exception.
        :rtype: ``bool``
        :raises KeyPairMissing: If the user has no such key.
        """
        check_own(self, key_pair, KeyPair, "key pair")
        if key_pair.public_key:
            key = attrs.evolve(SSHKey.parse(key_pair.public_key), id=key_pair.extra.get("id"))
            if key_pair.name and not key.answers_to(key_pair.name):
                key = attrs.evolve(key, comment=key_pair.name)
        else:
            key = self._key(key_pair.name)
        return self._backend.delete_ssh_key(key)

    def _key(self, name: str) -> SSHKey:
        listed = self._backend.list_ssh_keys()
        found = [key for key in listed if key.answers_to(name)]
        if not found:
            raise KeyPairMissing(
                f"There is no key pair {name!r}.",
                name=name,
                endpoint=self.ex_endpoint,
                hint="list_key_pairs() tells the names.",
            )
        if len(found) > 1:
            prints = ", ".join(key.fingerprint_sha256 for key in found)
            raise KeyPairConflict(
                f"{len(found)} key pairs are named {name!r}.",
                name=name,
                endpoint=self.ex_endpoint,
                hint=f"Give a fingerprint instead of the name: {prints}.",
            )
        return found[0]
