// What models and dictionaries are called on the page.
import { count, id } from './text.js';

const HASH = /-?[0-9a-f]{12,}$/;

/** A dictionary in a few words: where it reads, how many features it has, and its name where that is not a hash. */
function described(dictionary) {
  const spoken = id(dictionary.name).replace(HASH, '');
  return `${spoken ? `${spoken}: ` : ''}${count(dictionary.dSae)} features at ${dictionary.hookPoint}`;
}

/** The words for each of these dictionaries; those that would read the same say when they were made. */
export function dictionaryNames(dictionaries) {
  const names = dictionaries.map(described);
  return names.map((name, i) => {
    if (names.filter((other) => other === name).length === 1) {
      return name;
    }
    const { createTime } = dictionaries[i];
    const made = createTime ? `made ${new Date(createTime).toLocaleString()}` : id(dictionaries[i].name);
    return `${name}, ${made}`;
  });
}

/** How one gets a dictionary for a model that has none. */
export function howToTrain(model) {
  return id(model) === 'loupe-demo'
    ? '"./loupe demo" trains one in a minute.'
    : '"./loupe demo --model FOLDER_OR_HUB_ID --corpus FILE" trains one on your model and text, and TrainDictionary of the API does so step by step.';
}
